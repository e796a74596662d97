"""`rankscope detect-worker FILE.py`: detectors in Python beside the server, over what it has of a job.

A worker keeps nothing on disk. Its state is what the server has: it reads the job's metric records, oldest first, through
new instances of the detectors, sends what they say and the server does not have yet, and goes on with the live stream.
Whatever interrupts it (a kill, a server that restarts, a stream that drops records) is followed by the same again.
"""
