"""The web application: services, their pages, who may do what, and the record of what was done."""
