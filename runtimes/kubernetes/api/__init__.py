"""Requests to one API server, and what its answers mean. `client.Client` is the door, and all that sends.

`paths` builds what is asked for, `media` and `decoding` say how a body is written and read, `chunks` is an answer that
goes on. `answers` and `refusals` turn whatever went wrong into an error of `runtimes.errors`; `written` remembers where
something was just changed.
"""
