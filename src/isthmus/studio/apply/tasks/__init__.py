"""What the Apply page offers: one file a task, found by looking; nothing else knows their names."""
