//! What the trace means: outcomes, anomalies, and the scenario's own expectations.
