"""Profile what a run costs: where the time goes, what holds memory, what an import loads.

The target always runs in a process of its own. Profiling neither prints nor exits:
`profile_cpu`, `profile_memory` and `profile_startup` give data, and `agno_cli.reports` puts it
into words and drawings.
"""
