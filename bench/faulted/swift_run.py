"""A tiny model with random weights and rows to train on, for ms-swift."""
import glob
import os
import subprocess

HERE = os.path.dirname(os.path.abspath(__file__))

_ARGUMENTS = """--model {0}/model --model_type qwen2 --template qwen2_5 --dataset {0}/data.jsonl --use_hf true
 --tuner_type full --torch_dtype float32 --max_steps 12 --per_device_train_batch_size 2
 --gradient_accumulation_steps 1 --logging_steps 1 --save_steps 6 --eval_strategy no --split_dataset_ratio
 0 --max_length 256 --output_dir {1} --dataset_num_proc 1 --dataloader_num_workers 0 --use_cpu true
 --ddp_backend gloo --ddp_timeout 25 --external_plugins {2}/swift_plugin.py --callbacks faults"""


def prepare_swift(base, python):
    """Once for all runs in the folder."""
    place = base + "/tiny"
    if not os.path.exists(place + "/data.jsonl"):
        os.makedirs(place, exist_ok=True)
        subprocess.run([python, HERE + "/tiny_model.py", place], check=True, capture_output=True)


def swift_arguments(base, out):
    return _ARGUMENTS.format(base + "/tiny", out, HERE).split()


def swift_program(python):
    """What `swift sft` starts on each rank."""
    return glob.glob(os.path.dirname(python) + "/../lib/python3*/site-packages/swift/cli/sft.py")[0]
