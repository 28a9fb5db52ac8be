// The figures of a session come by push over the bus; where that does not work, they are asked for.
(() => {
    "use strict";
    const POLL = 5000;
    const RETRY = 15000;

    if ("serviceWorker" in navigator && window.isSecureContext) {
        navigator.serviceWorker.register("/charge/sw.js", {scope: "/charge"}).catch(() => {});
    }

    const session = () => document.querySelector("[data-session]");
    if (!session()) {
        return;
    }
    const {channel, busVersion, statusUrl} = session().dataset;
    let pushed = 0;

    const clock = (seconds) => {
        const two = (value) => String(value).padStart(2, "0");
        return `${Math.floor(seconds / 3600)}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`;
    };
    const local = (text, digits) =>
        Number(text).toLocaleString(document.documentElement.lang, {
            minimumFractionDigits: digits,
            maximumFractionDigits: digits,
        });

    async function show(status) {
        if (status.state !== session().dataset.state || status.stopping !== (session().dataset.stopping === "1")) {
            const page = await (await fetch(location.href)).text();
            const main = new DOMParser().parseFromString(page, "text/html").querySelector("main");
            document.querySelector("main").replaceWith(main);
            return;
        }
        const figures = {
            energy: local(status.energy_kwh, 3),
            power: local(status.power_kw, 1),
            amount: local(status.amount, 2),
        };
        for (const [name, text] of Object.entries(figures)) {
            const node = document.querySelector(`[data-figure=${name}]`);
            if (node) {
                node.textContent = text;
            }
        }
        const time = document.querySelector("[data-figure=time]");
        if (time) {
            time.dataset.seconds = status.seconds;
        }
    }

    function listen() {
        const scheme = location.protocol === "https:" ? "wss" : "ws";
        const socket = new WebSocket(`${scheme}://${location.host}/websocket?version=${busVersion}`);
        socket.onopen = () => {
            socket.send(JSON.stringify({event_name: "subscribe", data: {channels: [channel], last: 0}}));
            pushed = Date.now();
        };
        socket.onmessage = (message) => {
            pushed = Date.now();
            const news = JSON.parse(message.data).filter((one) => one.message.type === "emobility_adhoc");
            if (news.length) {
                show(news[news.length - 1].message.payload);
            }
        };
        socket.onclose = () => {
            pushed = 0;
            setTimeout(listen, RETRY);
        };
    }

    // Whoever is pushed to asks only now and then: a message that got lost must not leave the page behind for ever.
    setInterval(async () => {
        if (Date.now() - pushed > (pushed ? 6 * POLL : 0) && !document.hidden) {
            pushed = pushed && Date.now();
            const answer = await fetch(statusUrl).catch(() => null);
            if (answer && answer.ok) {
                show(await answer.json());
            }
        }
    }, POLL);
    setInterval(() => {
        const time = document.querySelector("[data-figure=time]");
        if (time) {
            time.dataset.seconds = Number(time.dataset.seconds) + 1;
            time.textContent = clock(Number(time.dataset.seconds));
        }
    }, 1000);
    listen();
})();
