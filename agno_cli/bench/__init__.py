"""Measure operations honestly: time by pyperf's worker processes, memory by exact counts.

Measuring neither prints nor exits: `measure` gives a Suite, `judge` holds it against targets,
and `agno_cli.reports` puts both into words.
"""
