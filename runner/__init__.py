"""What `./run` does: set-up, demo, tests, lint, serve, bench. Standard library only, Python 3.10 to 3.13."""
