"""Records: what a page holds, and what happens to a record before it leaves."""
