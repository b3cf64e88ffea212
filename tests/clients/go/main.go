// Writes and reads back with franz-go: `client write|read HOST:PORT TOPIC COUNT`. It reads one partition by assignment.
package main

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

func main() {
	mode, address, topic := os.Args[1], os.Args[2], os.Args[3]
	count, err := strconv.Atoi(os.Args[4])
	check(err)
	ctx, cancel := context.WithTimeout(context.Background(), 60*time.Second)
	defer cancel()
	if mode == "write" {
		write(ctx, address, topic, count)
	} else {
		read(ctx, address, topic, count)
	}
}

func write(ctx context.Context, address, topic string, count int) {
	client, err := kgo.NewClient(kgo.SeedBrokers(address), kgo.DefaultProduceTopic(topic))
	check(err)
	defer client.Close()
	for i := 0; i < count; i++ {
		record := &kgo.Record{Key: []byte(fmt.Sprint(i)), Value: []byte(fmt.Sprintf("go %d", i))}
		check(client.ProduceSync(ctx, record).FirstErr())
	}
}

func read(ctx context.Context, address, topic string, count int) {
	start := map[string]map[int32]kgo.Offset{topic: {0: kgo.NewOffset().AtStart()}}
	client, err := kgo.NewClient(kgo.SeedBrokers(address), kgo.ConsumePartitions(start))
	check(err)
	defer client.Close()
	for count > 0 {
		fetches := client.PollFetches(ctx)
		check(fetches.Err())
		fetches.EachRecord(func(record *kgo.Record) {
			fmt.Printf("%s\n", record.Value)
			count--
		})
	}
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
