"""Starts the ranks of train_ddp.py by torch.multiprocessing: spawned.py RANKS PORT."""
import os
import sys

import torch.multiprocessing


def rank_main(rank, world, port):
    os.environ |= {"RANK": str(rank), "LOCAL_RANK": str(rank), "WORLD_SIZE": str(world), "MASTER_ADDR": "127.0.0.1",
                   "MASTER_PORT": port}
    import train_ddp
    train_ddp.main()


if __name__ == "__main__":
    torch.multiprocessing.spawn(rank_main, (int(sys.argv[1]), sys.argv[2]), nprocs=int(sys.argv[1]))
