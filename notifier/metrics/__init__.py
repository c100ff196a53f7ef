"""Metrics in Prometheus's text format: counters and histograms of events, gauges of the state."""

from notifier.metrics.cluster import ClusterCondition
from notifier.metrics.metrics import CONTENT_TYPE, Metrics

__all__ = ["CONTENT_TYPE", "ClusterCondition", "Metrics"]
