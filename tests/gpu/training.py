"""A script that trains on the GPU and knows nothing of rankscope: gpu_test.py says what goes wrong in it, by argument."""
import sys
import time

import torch

FAULT, AT = sys.argv[1], int(sys.argv[2])
torch.manual_seed(0)
model = torch.nn.Sequential(torch.nn.Linear(1024, 4096), torch.nn.ReLU(), torch.nn.Linear(4096, 1024)).cuda()
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4)


def fail(step):
    if FAULT == "oom":
        print("Input image size: [3, 65536, 65536]", flush=True)
        image = torch.zeros(3, 65536, 65536, device="cuda", dtype=torch.float64)
        print(image.sum().item())
    elif FAULT == "leak":
        kept.append(torch.zeros(2 << 30, device="cuda", dtype=torch.uint8))
    elif FAULT == "assert":
        torch.nn.functional.embedding(torch.tensor([step + 10**6], device="cuda"), torch.zeros(8, 8, device="cuda")).sum().item()
    elif FAULT == "illegal_access":
        import cupy  # a kernel of the user's own that writes where nothing is
        cupy.RawKernel('extern "C" __global__ void stray(float* p) { p[1ull << 40] = 1; }', "stray")(
            (1,), (1,), (cupy.zeros(1, cupy.float32),))
        torch.cuda.synchronize()


kept = []
for step in range(1, int(sys.argv[3]) + 1):
    began = time.perf_counter()
    batch = torch.randn(4096, 1024, device="cuda")
    if step == AT or (FAULT == "leak" and step > AT):
        fail(step)
    loss = (model(batch) - batch).square().mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print(f"step: {step} loss: {loss.item():.5f} memory(GiB): {torch.cuda.memory_allocated() / 2**30:.2f} "
          f"iteration_time(s): {time.perf_counter() - began:.6f}", flush=True)
