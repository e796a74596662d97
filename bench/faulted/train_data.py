"""Rows of numbers, read one by one."""
import faults
import torch


class Rows(torch.utils.data.Dataset):
    def __len__(self):
        return 400

    def __getitem__(self, index):
        faults.sample()
        return faults.odd_type(torch.randn(faults.odd_width(16))), torch.randn(4)


class PlainRows(torch.utils.data.Dataset):
    """Nothing is wrong with these."""

    def __len__(self):
        return 16

    def __getitem__(self, index):
        return torch.randn(16), torch.randn(4)
