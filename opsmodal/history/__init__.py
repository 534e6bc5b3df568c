"""History without Prometheus: what happened to each registered service and what it used, whether somebody looks or not.

    leases       of several workers, one collects from each runtime
    collectors   who collects what, started and stopped as services come and go
    listening    the thread that hears the events of a namespace or an engine
    journal      what was heard and is not yet written, bounded
    happened     events, restarts and versions of a week, in the store
    used         figures of an hour, in the store
    hours        the same as rings of numbers, ready to be drawn
    timeline     events, restarts, versions and what people did, joined

It refuses to be the reason why anything else is slow: it asks a runtime little, backs off from one that is silent, and
writes to the store in one transaction every few seconds.
"""
