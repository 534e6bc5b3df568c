"""The steps from one shape of the tables to the next. A step that has been released is never changed."""
