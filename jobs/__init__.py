"""Flink jobs: thin operators, workflows, and the runner of sql/."""
