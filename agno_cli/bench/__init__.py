"""Measure operations honestly: time by pyperf's worker processes, memory by exact counts.

`benchmark` marks a function of yours as one to measure. Measuring neither prints nor exits:
`measure` gives a Suite, `judge` holds it against targets, and `agno_cli.reports` puts both into
words.
"""

from agno_cli.bench._user_file import benchmark as benchmark
