"""From evidence to ordered releases, events and tables."""
