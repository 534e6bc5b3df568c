"""What the pods of a namespace use now: `metrics` reads it, `recent.RecentFigures` keeps it for all who look."""
