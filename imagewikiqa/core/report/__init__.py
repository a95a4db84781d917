"""The look of every report, shared by all rooms: one page shell, its plots and its Markdown."""
