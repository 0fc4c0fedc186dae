"""What tests need, ours and yours: a real Kafka that starts in a second and pytest fixtures around it.

Shipped with the package, so that a service that produces or consumes our topics can test against the same broker.
"""
