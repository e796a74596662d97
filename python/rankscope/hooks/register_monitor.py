"""Hugging Face's Trainer, and what derives from it (ms-swift, TRL), gets the method `register_monitor`, unless it has one."""


def apply(module):
    if not hasattr(module.Trainer, "register_monitor"):
        module.Trainer.register_monitor = register_monitor


def register_monitor(self, detector):
    """As rankscope.monitor.register_monitor."""
    from rankscope import monitor

    monitor.register_monitor(detector)
