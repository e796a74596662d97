"""Loggers and bars that programs print their steps by, each the library itself: report functions of (rank, step, loss,
own seconds, seconds of the step) by the style that asks for them."""
import logging
import sys


def _words(step, loss, own_s, step_s):
    return f"step {step} loss={loss:.4f} forward={own_s:.3f}s step_time={step_s:.3f}s"


def _rich(rank):
    from rich.console import Console
    from rich.logging import RichHandler
    logger = logging.getLogger("rich")
    logger.setLevel(logging.INFO)
    logger.addHandler(RichHandler(console=Console(file=sys.stderr, width=120)))
    return lambda rank, *of: logger.info(_words(*of))


def _loguru(rank):
    from loguru import logger
    return lambda rank, *of: logger.info("[rank {}] " + _words(*of), rank)


def _structlog(rank):
    import structlog
    structlog.configure(processors=[structlog.processors.add_log_level, structlog.processors.TimeStamper(fmt="iso"),
                                    structlog.dev.ConsoleRenderer(colors=False)])
    logger = structlog.get_logger()
    return lambda rank, step, loss, own_s, step_s: logger.info(
        "train_step", rank=rank, step=step, loss=round(loss, 4), compute_s=round(own_s, 4), step_s=round(step_s, 4))


def _absl(rank):
    from absl import logging as absl_logging
    absl_logging.set_verbosity(absl_logging.INFO)
    absl_logging.use_absl_handler()
    return lambda rank, *of: absl_logging.info("%s", _words(*of))


def _tqdm(rank):
    from tqdm import tqdm
    bar = tqdm(total=12, desc=f"rank {rank}", mininterval=0)

    def report(rank, step, loss, own_s, step_s):
        bar.set_postfix(loss=f"{loss:.4f}", fwd=f"{own_s:.3f}")
        bar.update(1)
    return report


LIBRARIES = {"rich": _rich, "loguru_own": _loguru, "structlog": _structlog, "absl": _absl, "tqdm": _tqdm}
