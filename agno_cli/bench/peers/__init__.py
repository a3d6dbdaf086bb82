"""Other agent libraries, measured on the same work: `compare` gives a Comparison.

Each has an environment of its own, a worker file that says how it does the work, and a pinned
version. `runner.py` does the timing and counting there, with the standard library alone.
"""
