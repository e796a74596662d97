"""What programs do about an exception that reaches the top: $CATCHES."""
import logging
import os
import sys
import traceback

RANK = os.environ.get("RANK") or os.environ.get("LOCAL_RANK", "0")


def _log(main):
    try:
        main()
    except Exception:
        logging.getLogger("train").exception("training failed")
        raise


def _exit(main):
    try:
        main()
    except Exception:
        traceback.print_exc()
        sys.exit(1)


def _say(main):
    try:
        main()
    except Exception as error:
        print(f"[rank {RANK}] fatal: {type(error).__name__}: {error}", file=sys.stderr, flush=True)
        sys.exit(1)


def _tear_down(main):
    import torch.distributed as dist
    try:
        main()
    finally:
        if dist.is_initialized():
            dist.destroy_process_group()


def _hook(main):
    def report(kind, error, trace):
        for line in "".join(traceback.format_exception(kind, error, trace)).splitlines():
            print(f"[rank {RANK}] {line}", file=sys.stderr, flush=True)
    sys.excepthook = report
    main()


def _rich(main):
    import rich.traceback
    rich.traceback.install(width=110)
    main()


def _loguru(main):
    import loguru
    loguru.logger.catch(reraise=True)(main)()


_GUARDS = {"logs": _log, "exits": _exit, "says": _say, "tears": _tear_down, "hook": _hook, "rich": _rich,
           "loguru": _loguru}


def run(main):
    guard = _GUARDS.get(os.environ.get("CATCHES", ""))
    guard(main) if guard else main()
