// Some of the tasks in Go: one task for a time, what came of it as JSON on standard output.
package main

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

const each, burst = 100_000, 100

func must(err error) {
	if err != nil {
		panic(err)
	}
}

func newPool(size int) *sync.Pool {
	return &sync.Pool{New: func() any {
		buffer := make([]byte, 0, size)
		return &buffer
	}}
}

func get(pool *sync.Pool) *[]byte {
	buffer := pool.Get().(*[]byte)
	if len(*buffer) > 0 {
		panic("it holds what another wrote")
	}
	*buffer = append(*buffer, 1)
	return buffer
}

func put(pool *sync.Pool, buffer *[]byte) {
	*buffer = (*buffer)[:0]
	pool.Put(buffer)
}

func one(pool *sync.Pool) int {
	for range each {
		put(pool, get(pool))
	}
	return each
}

func bursts(pool *sync.Pool) int {
	held := make([]*[]byte, 0, burst)
	for range each / burst {
		for range burst {
			held = append(held, get(pool))
		}
		for _, buffer := range held {
			put(pool, buffer)
		}
		held = held[:0]
	}
	return each
}

func forward(pool *sync.Pool) int {
	channel := make(chan []*[]byte, 2)
	var receiving sync.WaitGroup
	receiving.Go(func() {
		for held := range channel {
			for _, buffer := range held {
				put(pool, buffer)
			}
		}
	})
	for range each / burst {
		held := make([]*[]byte, 0, burst)
		for range burst {
			held = append(held, get(pool))
		}
		channel <- held
	}
	close(channel)
	receiving.Wait()
	return each
}

func passes(limit time.Duration, pass func() int) (int, float64, float64) {
	pass()
	start, used, ops := time.Now(), cpuSeconds(), 0
	for ops == 0 || time.Since(start) < limit {
		ops += pass()
	}
	return ops, time.Since(start).Seconds(), cpuSeconds() - used
}

func cpuSeconds() float64 {
	var usage syscall.Rusage
	must(syscall.Getrusage(syscall.RUSAGE_SELF, &usage))
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano()).Seconds()
}

func main() {
	if len(os.Args) != 4 {
		fmt.Fprintln(os.Stderr, "usage: parts TASK WORKERS SECONDS")
		os.Exit(2)
	}
	parts := strings.Split(os.Args[1], ":")
	number := func(at int) int {
		value, err := strconv.Atoi(parts[at])
		must(err)
		return value
	}
	workers, err := strconv.Atoi(os.Args[2])
	must(err)
	seconds, err := strconv.ParseFloat(os.Args[3], 64)
	must(err)
	runtime.GOMAXPROCS(workers)
	pools := map[string]func(*sync.Pool) int{"pool-one": one, "pool-burst": bursts, "pool-forward": forward}
	work, known := pools[parts[0]]
	if !known {
		panic("there is no " + parts[0])
	}
	pool := newPool(number(1))
	ops, took, used := passes(time.Duration(seconds*1e9), func() int { return work(pool) })
	fmt.Printf("{\"ops\":%d,\"seconds\":%f,\"cpu_seconds\":%f}\n", ops, took, used)
}
