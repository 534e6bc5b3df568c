"""Caddy as the proxy of a host: its admin API, and routes of its configuration as values. Knows no engine.

Source of every outside fact here: https://caddyserver.com/docs/api, https://caddyserver.com/docs/json/ and what
Caddy 2.6.2 answered.
"""
