"""Ports that a launcher or a server can count on."""
import random
import socket

RESERVED = []  # sockets, until this process ends


def port_to_come_back_to():
    """A TCP port for a server that is stopped and started again, or that another program is to listen on.

    None that the kernel gives to those who ask for any: while nobody listens there, another connection could take it,
    and keeps it for a minute after its end. Who holds the UDP port of that number has it among the tests.
    """
    with open("/proc/sys/net/ipv4/ip_local_port_range") as file:
        first_given = int(file.read().split()[0])
    while True:
        port = random.randrange(10000, first_given)
        holder = socket.socket(type=socket.SOCK_DGRAM)
        try:
            holder.bind(("127.0.0.1", port))
            socket.create_server(("127.0.0.1", port)).close()
        except OSError:
            holder.close()
            continue
        RESERVED.append(holder)
        return port
