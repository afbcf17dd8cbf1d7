"""Pages of the admin that show more than rows: catalog, set-up, trace, dashboard."""
