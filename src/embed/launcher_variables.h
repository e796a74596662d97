#pragma once

// The variables by which launchers (torchrun, Open MPI, PMI, Slurm) tell a process who it is in its job, as the items
// of an initialiser: of each line the first that is set counts. The one list for C and C++; python/rankscope/_rank.py,
// which must do without us, has its own, and tests/e2e/preload_test.py holds the two together.

#define RANKSCOPE_LOCAL_RANK_VARIABLES "LOCAL_RANK", "OMPI_COMM_WORLD_LOCAL_RANK", "MPI_LOCALRANKID", "SLURM_LOCALID"
// A launcher that gives each rank a pipe or a terminal and copies what comes has set one of these.
#define RANKSCOPE_RANK_VARIABLES "OMPI_COMM_WORLD_RANK", "PMI_RANK", "SLURM_PROCID"
// The rank as well, and before them, but only beside LOCAL_RANK: without it, it may be the node's.
#define RANKSCOPE_TORCH_RANK_VARIABLE "RANK"
#define RANKSCOPE_NODE_RANK_VARIABLES "GROUP_RANK", "NODE_RANK", "SLURM_NODEID"
#define RANKSCOPE_WORLD_SIZE_VARIABLES "WORLD_SIZE", "OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "SLURM_NTASKS"
// Of these, the larger.
#define RANKSCOPE_TORCH_ATTEMPT_VARIABLE "TORCHELASTIC_RESTART_COUNT"
#define RANKSCOPE_SLURM_ATTEMPT_VARIABLE "SLURM_RESTART_COUNT"

// The Python package's own, three pids: of the process whose data-loader worker has opened a ring, of the one that
// has called rankscope.init() and that no launcher has told anything: rank 0 of a world of one; and of a launcher,
// which is no rank although it has a ring, for what it tells of the run.
#define RANKSCOPE_WORKER_OF_VARIABLE "RANKSCOPE_WORKER_OF"
#define RANKSCOPE_LONE_RANK_VARIABLE "RANKSCOPE_LONE_RANK"
#define RANKSCOPE_LAUNCHER_VARIABLE "RANKSCOPE_LAUNCHER"
