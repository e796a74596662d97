"""A loop of one's own under Accelerate; the main process prints."""
import datetime
import os

import faults
import reports
import torch
import torch.distributed as dist
from accelerate import Accelerator, InitProcessGroupKwargs
from train_data import Rows

faults.before_start()
steps = reports.Steps()
torch.set_num_threads(1)
group = InitProcessGroupKwargs(timeout=datetime.timedelta(seconds=faults.TIMEOUT_S))
accelerator = Accelerator(cpu=True, kwargs_handlers=[group])
faults.fill_small_disk()
net = torch.nn.Sequential(torch.nn.Linear(16, 64), torch.nn.Linear(64, 4))
optimizer = torch.optim.SGD(net.parameters(), lr=0.05)
loader = torch.utils.data.DataLoader(Rows(), batch_size=2, **faults.LOADING)
net, optimizer, loader = accelerator.prepare(net, optimizer, loader)
for step, (inputs, targets) in enumerate(loader):
    if step == 12:
        break
    with steps.begun():
        faults.at_step(step, dist, torch)
        faults.slow(step)
    with steps.forward():
        loss = torch.nn.functional.mse_loss(net(faults.spoil_inputs(step, inputs)), targets)
    faults.check_loss(step, loss.item())
    steps.got(loss.item())
    accelerator.backward(loss)
    optimizer.step()
    optimizer.zero_grad()
    faults.spoil(step, net, torch)
    steps.end(step)
    accelerator.print(f"epoch 0 step {step}: train_loss={loss.item():.4f} lr=5.00e-02", flush=True)
    if step == 6:
        faults.at_step(step, dist, torch, "evaluation")
        mean = accelerator.gather(loss.detach().reshape(1)).mean().item()
        accelerator.print(f"eval_loss={mean:.4f}", flush=True)
        faults.at_step(step, dist, torch, "checkpoint")
        accelerator.save_state(faults.checkpoint_folder(os.environ["OUT"]) + "/state")
accelerator.end_training()
accelerator.print("Training completed.")
