"""Writes and reads back with kafka-python: `client.py write|read HOST:PORT TOPIC COUNT`. It reads by assignment."""

import sys

from kafka import KafkaConsumer, KafkaProducer, TopicPartition


def write(address: str, topic: str, count: int) -> None:
    producer = KafkaProducer(bootstrap_servers=address, acks="all")
    for i in range(count):
        producer.send(topic, key=str(i).encode(), value=f"python {i}".encode(), partition=0).get(30)
    producer.close()


def read(address: str, topic: str, count: int) -> None:
    consumer = KafkaConsumer(bootstrap_servers=address, consumer_timeout_ms=30_000)
    partition = TopicPartition(topic, 0)
    consumer.assign([partition])
    consumer.seek_to_beginning(partition)
    for _, record in zip(range(count), consumer):
        print(record.value.decode())
    consumer.close()


if __name__ == "__main__":
    mode, address, topic, count = sys.argv[1:]
    {"write": write, "read": read}[mode](address, topic, int(count))
