//! Executes a plan: starts the world, takes the steps, hands back the trace.
