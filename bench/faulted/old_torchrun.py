"""torch.distributed.run as torch 1.13 has it, for a Python of later than it, to which Std.ALL is no member to find."""
from torch.distributed.elastic.multiprocessing.api import Std
from torch.distributed.run import main

Std.from_str = classmethod(lambda cls, text: cls(int(text)))

if __name__ == "__main__":
    main()
