"""The state of jobs and processes, from Flink's REST interface and from the processes' own metrics."""
