"""A Ray cluster of two nodes on loopback: says its address, then obeys `kill` and its stdin's end.

Run as a program, in a session of its own; the folder for its files is the one argument.
"""

import sys

from ray.cluster_utils import Cluster

STORE_BYTES = 80 * 1024**2


def main(folder: str) -> None:
    small = {"num_cpus": 1, "object_store_memory": STORE_BYTES, "include_dashboard": False}
    cluster = Cluster(initialize_head=True, head_node_args={**small, "temp_dir": folder})
    second = cluster.add_node(num_cpus=1, object_store_memory=STORE_BYTES, temp_dir=folder)
    try:
        sys.stdout.write(f"{cluster.address}\n")
        sys.stdout.flush()
        for line in sys.stdin:
            if line == "kill\n":
                cluster.remove_node(second, allow_graceful=False)
                sys.stdout.write("killed\n")
                sys.stdout.flush()
    finally:
        cluster.shutdown()


if __name__ == "__main__":
    main(sys.argv[1])
