"""Steps that can be resumed: Workflow, its nodes, its state and its checkpoints."""
