#!/usr/bin/env python3
"""Real failures of CUDA, one process each, and what `rankscope diagnose` makes of what they print: a table of the class
expected and the class found. usage: gpu_faults.py PROGRAM [NAME …]      (by a Python with torch for CUDA and cupy)
"""
import json
import os
import pathlib
import subprocess
import sys
import tempfile

BEGIN = """
import os, sys, torch
torch.manual_seed(0)
def train(step):
    loss = (model(torch.randn(64, 256, device="cuda", dtype=dtype)) ** 2).mean()
    optimizer.zero_grad(); loss.backward(); optimizer.step()
    print(f"step: {step} loss: {loss.item():.4f} lr: 0.001", flush=True)
dtype = torch.float32
if __name__ == "__main__":
    model = torch.nn.Linear(256, 256).cuda()
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-3)
    for step in range(1, 11): train(step)
"""
CUPY = """
    import cupy
    cupy.RawKernel('extern "C" __global__ void bad(char* p) {{ {body} }}', "bad")((1,), (1,), (cupy.zeros(64, cupy.int8),))
    torch.cuda.synchronize()
"""
# name: (class, what fails after ten steps, more of the environment)
FAULTS = {
    "oom_forward": ("cuda_oom", "    torch.zeros(2**38, device='cuda')", {}),
    "oom_backward": ("cuda_oom", """
    big = torch.nn.Sequential(*[torch.nn.Linear(4096, 4096) for _ in range(4)]).cuda()
    hold = torch.empty(int(torch.cuda.mem_get_info()[0] - 7 * 2**30), dtype=torch.uint8, device="cuda")
    big(torch.randn(2**17, 4096, device="cuda", requires_grad=True)).sum().backward()""", {}),
    "oom_limit": ("cuda_oom", "    torch.cuda.set_per_process_memory_fraction(0.05)\n    torch.zeros(2**32, device='cuda')", {}),
    "oom_cupy": ("cuda_oom", "    import cupy\n    cupy.zeros(2**38)", {}),
    "oom_by_others": ("cuda_oom", """
    import subprocess
    other = subprocess.Popen([sys.executable, "-c", "import torch, time; x = torch.zeros(75 * 2**30, dtype=torch.uint8, device='cuda');"
                              "print(1, flush=True); time.sleep(60)"], stdout=subprocess.PIPE)
    other.stdout.readline()
    try: torch.zeros(12 * 2**30, dtype=torch.uint8, device="cuda")
    finally: other.kill()""", {}),
    "assert_embedding": ("device_side_assert", "    torch.nn.Embedding(8, 8).cuda()(torch.tensor([9], device='cuda')).sum().item()", {}),
    "assert_cross_entropy": ("device_side_assert", """
    torch.nn.functional.cross_entropy(torch.randn(4, 3, device="cuda"), torch.tensor([0, 1, 2, 3], device="cuda")).item()""", {}),
    "assert_bce": ("device_side_assert", """
    torch.nn.functional.binary_cross_entropy(torch.full((4,), 1.5, device="cuda"), torch.ones(4, device="cuda")).item()""", {}),
    "assert_multinomial": ("device_side_assert", "    torch.multinomial(torch.tensor([-1.0, 2.0], device='cuda'), 1).item()", {}),
    "assert_blocking": ("device_side_assert", "    torch.arange(8, device='cuda')[torch.tensor([99], device='cuda')].item()",
                        {"CUDA_LAUNCH_BLOCKING": "1"}),
    "illegal_access": ("cuda_illegal_memory_access", CUPY.format(body="p[1ull << 40] = 1;"), {}),
    "misaligned": ("cuda_illegal_memory_access", CUPY.format(body="*(int*)(p + 1) = 1;"), {}),
    "trap": ("cuda_illegal_memory_access", CUPY.format(body="__trap();"), {}),
    "bad_device": ("config_error", "    torch.zeros(1, device='cuda:5')", {}),
    "no_device": ("driver_or_library_mismatch", "    pass", {"CUDA_VISIBLE_DEVICES": ""}),
    "dtype": ("dtype_device_mismatch", "    model(torch.randn(4, 256, device='cuda', dtype=torch.float16))", {}),
    "device": ("dtype_device_mismatch", "    model(torch.randn(4, 256))", {}),
    "shape": ("tensor_shape_mismatch", "    model(torch.randn(4, 255, device='cuda'))", {}),
    "triton_compile": ("triton_or_kernel_compile_error", """
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "kernel.py")
    open(path, "w").write("import triton, triton.language as tl\\n@triton.jit\\ndef kernel(x):\\n    tl.store(x, tl.nothing_such(1))\\n")
    sys.path.insert(0, os.path.dirname(path))
    import kernel
    kernel.kernel[(1,)](torch.zeros(1, device="cuda"))""", {}),
    "nvrtc_compile": ("triton_or_kernel_compile_error", CUPY.format(body="this is no C;"), {}),
    "compile_graph_break": ("triton_or_kernel_compile_error", """
    @torch.compile(fullgraph=True)
    def f(x):
        print(x.sum().item())
        return x + 1 if x.sum() > 0 else x
    f(torch.ones(3, device="cuda"))""", {}),
    "fork_after_cuda": ("config_error", """
    class Data(torch.utils.data.Dataset):
        def __len__(self): return 8
        def __getitem__(self, i): return torch.ones(1, device="cuda")
    next(iter(torch.utils.data.DataLoader(Data(), num_workers=2)))""", {}),
    "worker_killed": ("dataloader_worker_killed", """
    import signal
    class Data(torch.utils.data.Dataset):
        def __len__(self): return 64
        def __getitem__(self, i):
            if i == 9: os.kill(os.getpid(), signal.SIGKILL)
            return torch.ones(1)
    for batch in torch.utils.data.DataLoader(Data(), num_workers=2, pin_memory=True): pass""", {}),
    "nccl_no_peer": ("nccl_system_error", """
    import torch.distributed as dist
    os.environ.update(MASTER_ADDR="127.0.0.1", MASTER_PORT="29611", RANK="0", WORLD_SIZE="1", NCCL_SOCKET_IFNAME="nosuch0")
    dist.init_process_group("nccl")
    dist.all_reduce(torch.ones(1, device="cuda"))""", {"NCCL_DEBUG": "WARN"}),
    "amp_overflow": ("none", """
    scaler = torch.amp.GradScaler("cuda", init_scale=2.0**40)
    for step in range(11, 41):
        with torch.autocast("cuda", dtype=torch.float16): loss = (model(torch.randn(64, 256, device="cuda")) ** 2).mean()
        optimizer.zero_grad(); scaler.scale(loss).backward(); scaler.step(optimizer); scaler.update()
        print(f"step: {step} loss: {loss.item():.4f} scale: {scaler.get_scale()}", flush=True)""", {}),
    "caught_oom": ("none", """
    for step in range(11, 31):
        try:
            if step == 15: torch.zeros(2**38, device="cuda")
        except torch.OutOfMemoryError as error:
            print(f"WARNING: ran out of memory, skipping batch: {error}", flush=True)
            torch.cuda.empty_cache()
        train(step)""", {}),
    "healthy": ("none", "    for step in range(11, 31): train(step)", {}),
}


def verdict_on(program, folder, name):
    _, body, environment = FAULTS[name]
    script, log = folder / f"{name}.py", folder / f"{name}.log"
    script.write_text(BEGIN + body + "\n")
    with open(log, "w") as output:
        subprocess.run([sys.executable, script], stdout=output, stderr=subprocess.STDOUT, env={**os.environ, **environment}, timeout=120)
    told = subprocess.run([program, "diagnose", log, "-o", "json"], capture_output=True, text=True)
    return json.loads(told.stdout)


def main(program, *names):
    names = names or tuple(FAULTS)
    wrong = 0
    with tempfile.TemporaryDirectory() as place:
        for name in names:
            verdict = verdict_on(program, pathlib.Path(place), name)
            right = verdict["class"] == FAULTS[name][0]
            wrong += not right
            print(f"{'' if right else 'NOT':4}{name:22} {FAULTS[name][0]:32} {verdict['class']:32} {(verdict['root_line'] or '')[:110]}",
                  flush=True)
            if not right:
                print((pathlib.Path(place) / f"{name}.log").read_text()[-900:], flush=True)
    print(f"{wrong} of {len(names)} wrong")


if __name__ == "__main__":
    main(*sys.argv[1:])
