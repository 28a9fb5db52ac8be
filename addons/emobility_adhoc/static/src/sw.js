// Style and script of the pages are kept on the phone; pages and figures always come from the network.
const CACHE = "charge-1";
const FILES = ["/emobility_adhoc/static/src/adhoc.css", "/emobility_adhoc/static/src/adhoc.js"];

self.addEventListener("install", (event) => {
    event.waitUntil(caches.open(CACHE).then((cache) => cache.addAll(FILES)));
});

self.addEventListener("fetch", (event) => {
    if (FILES.includes(new URL(event.request.url).pathname)) {
        event.respondWith(fetch(event.request).catch(() => caches.match(event.request)));
    }
});
