"""Runs queued jobs: the scheduler, the leader election and the executors."""
