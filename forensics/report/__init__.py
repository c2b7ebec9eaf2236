"""The document in every form that a post-mortem needs. Renders; adds no fact."""
