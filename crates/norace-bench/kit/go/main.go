// The same tasks in Go: one task for a time, what came of it as JSON on standard output.
package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"net"
	"os"
	"reflect"
	"runtime"
	"sort"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

const messages = 100_000

func check(ok bool, what string) {
	if !ok {
		panic(what)
	}
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

func flow(senders, receivers, capacity int) int {
	each := messages / senders
	channel := make(chan uint64, capacity)
	var sending, receiving sync.WaitGroup
	for number := range senders {
		sending.Go(func() {
			for value := number * each; value < (number+1)*each; value++ {
				channel <- uint64(value)
			}
		})
	}
	sums := make([]uint64, receivers)
	for number := range receivers {
		receiving.Go(func() {
			var sum uint64
			for value := range channel {
				sum += value
			}
			sums[number] = sum
		})
	}
	sending.Wait()
	close(channel)
	receiving.Wait()
	var sum uint64
	for _, part := range sums {
		sum += part
	}
	all := uint64(each * senders)
	check(sum == all*(all-1)/2, "each message comes once")
	return int(all)
}

func selects(capacity int) int {
	var channels [4]chan uint64
	for at := range channels {
		channels[at] = make(chan uint64, capacity)
		go func() {
			for value := range uint64(messages / 4) {
				channels[at] <- value
			}
		}()
	}
	var sum uint64
	for range messages {
		select {
		case value := <-channels[0]:
			sum += value
		case value := <-channels[1]:
			sum += value
		case value := <-channels[2]:
			sum += value
		case value := <-channels[3]:
			sum += value
		}
	}
	each := uint64(messages / 4)
	check(sum == 4*(each*(each-1)/2), "each message comes once")
	return messages
}

const few = 20_000

// Numbers come into the middle one of so many channels.
func selectSet(count int) int {
	channels := make([]chan uint64, count)
	cases := make([]reflect.SelectCase, count)
	for at := range channels {
		channels[at] = make(chan uint64, 1)
		cases[at] = reflect.SelectCase{Dir: reflect.SelectRecv, Chan: reflect.ValueOf(channels[at])}
	}
	go func() {
		for value := range uint64(few) {
			channels[count/2] <- value
		}
	}()
	var sum uint64
	for range few {
		_, value, _ := reflect.Select(cases)
		sum += value.Uint()
	}
	check(sum == few*(few-1)/2, "each message comes once")
	return few
}

func selectContext() int {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	channel := make(chan uint64, 1)
	go func() {
		for value := range uint64(few) {
			channel <- value
		}
	}()
	var sum uint64
	for range few {
		select {
		case value := <-channel:
			sum += value
		case <-ctx.Done():
			panic("nobody cancels")
		}
	}
	check(sum == few*(few-1)/2, "each message comes once")
	return few
}

// Messages of one goroutine to one, of which the first and the last word are a number.
func sized[M [8]uint64 | [64]uint64](capacity int) int {
	channel := make(chan M, capacity)
	var sending, receiving sync.WaitGroup
	sending.Go(func() {
		for value := range uint64(messages) {
			var message M
			for at := range len(message) {
				message[at] = value
			}
			channel <- message
		}
	})
	var sum uint64
	receiving.Go(func() {
		for message := range channel {
			check(message[0] == message[len(message)-1], "it comes whole")
			sum += message[0]
		}
	})
	sending.Wait()
	close(channel)
	receiving.Wait()
	check(sum == messages*(messages-1)/2, "each message comes once")
	return messages
}

func fourChannels() (channels [4]chan struct{}) {
	for at := range channels {
		channels[at] = make(chan struct{}, 1)
	}
	return channels
}

func choose(channels *[4]chan struct{}) int {
	select {
	case <-channels[0]:
		return 0
	case <-channels[1]:
		return 1
	case <-channels[2]:
		return 2
	case <-channels[3]:
		return 3
	}
}

// Chooses among four channels of which the first ones always have values: how often each.
func selectFair(ready int, counts *[4]float64) int {
	channels := fourChannels()
	for at := range ready {
		channels[at] <- struct{}{}
	}
	for range messages {
		arm := choose(&channels)
		channels[arm] <- struct{}{}
		counts[arm]++
	}
	return messages
}

// How far from even choices are: Pearson's chi-square, as far as it is no chance; and the part of the one
// that is taken most, in whole percent.
func uneven(ready int, counts [4]float64) string {
	chance := map[int]float64{2: 10.83, 3: 13.82, 4: 16.27}
	all, most, sum := 0.0, 0.0, 0.0
	for _, count := range counts {
		all, most = all+count, max(most, count)
	}
	even := all / float64(ready)
	for _, count := range counts[:ready] {
		sum += (count - even) * (count - even) / even
	}
	return fmt.Sprintf(`,"uneven":%f,"most_percent":%f`, max(0, sum-chance[ready]), math.Round(most*100/all))
}

// One channel of four always has a value, and the one behind it now and then, until it is taken: the most choices that
// this took.
func selectRare() (ops, longest int) {
	channels := fourChannels()
	channels[0] <- struct{}{}
	take := func() int {
		arm := choose(&channels)
		ops++
		if arm == 0 {
			channels[0] <- struct{}{}
		}
		return arm
	}
	for range 20_000 {
		for range 5 {
			check(take() == 0, "no other has a value")
		}
		channels[1] <- struct{}{}
		choices := 1
		for take() == 0 {
			choices++
		}
		longest = max(longest, choices)
	}
	return ops, longest
}

// Receives that are given up after a random time of up to 50 us, while values are sent at random moments.
func stormTimed(capacity int, lost *int) int {
	const values = 4_000
	channel := make(chan uint64, capacity)
	patience := func() time.Duration { return time.Duration(rand.IntN(50_000)) }
	go func() {
		for value := range uint64(values) {
			due := time.Now().Add(patience())
			for time.Now().Before(due) {
				runtime.Gosched()
			}
			channel <- value
		}
		close(channel)
	}()
	var seen [values]int
	for open := true; open; {
		timer := time.NewTimer(patience())
		var value uint64
		select {
		case value, open = <-channel:
			if open {
				seen[value]++
			}
		case <-timer.C:
		}
		timer.Stop()
	}
	for _, count := range seen {
		check(count <= 1, "nothing comes twice")
		if count == 0 {
			*lost++
		}
	}
	return values
}

func timeout() int {
	channel := make(chan uint64, 1)
	go func() {
		for value := range uint64(messages) {
			channel <- value
		}
	}()
	var sum uint64
	for range messages {
		timer := time.NewTimer(time.Minute)
		select {
		case value := <-channel:
			sum += value
		case <-timer.C:
			panic("it is in time")
		}
		timer.Stop()
	}
	check(sum == messages*(messages-1)/2, "each message comes once")
	return messages
}

func ring() int {
	const tasks, rounds = 300, 300
	first := make(chan uint64, 1)
	from := first
	for range tasks - 1 {
		to, own := make(chan uint64, 1), from
		go func() {
			for value := range own {
				to <- value + 1
			}
			close(to)
		}()
		from = to
	}
	var value uint64
	for range rounds {
		first <- value
		value = <-from
	}
	close(first)
	<-from
	check(value == (tasks-1)*rounds, "every task has added one")
	return tasks * rounds
}

func pingPong() int {
	const turns = 20_000
	for range turns {
		to, back, ended := make(chan uint64, 1), make(chan uint64, 1), make(chan struct{})
		go func() {
			back <- <-to
			close(ended)
		}()
		to <- 1
		check(<-back == 1, "it comes back")
		<-ended
	}
	return turns
}

func spawnJoin() int {
	var all sync.WaitGroup
	results := make([]uint64, messages)
	for n := range uint64(messages) {
		all.Go(func() { results[n] = n })
	}
	all.Wait()
	var sum uint64
	for _, result := range results {
		sum += result
	}
	check(sum == messages*(messages-1)/2, "each task gives its number")
	return messages
}

func node(depth int) uint64 {
	if depth == 0 {
		return 1
	}
	var both sync.WaitGroup
	var left, right uint64
	both.Go(func() { left = node(depth - 1) })
	both.Go(func() { right = node(depth - 1) })
	both.Wait()
	return 1 + left + right
}

func fanOut() int {
	all := node(15)
	check(all == 1<<16-1, "every node is counted")
	return int(all)
}

// Goroutines of which each starts the next one, 1,000 in a row; the last one says so.
func chain() int {
	const tasks = 1_000
	var next func(left int, over chan struct{})
	next = func(left int, over chan struct{}) {
		if left == 0 {
			over <- struct{}{}
			return
		}
		go next(left-1, over)
	}
	for range 20 {
		over := make(chan struct{}, 1)
		go next(tasks-1, over)
		<-over
	}
	return 20 * tasks
}

func yields() int {
	var all sync.WaitGroup
	for range 200 {
		all.Go(func() {
			for range 1000 {
				runtime.Gosched()
			}
		})
	}
	all.Wait()
	return 200 * 1000
}

func hog() []time.Duration {
	var delays []time.Duration
	for range 100 {
		wake, ran := make(chan uint64, 1), make(chan time.Time, 1)
		go func() {
			<-wake
			ran <- time.Now()
		}()
		for range 50 {
			runtime.Gosched()
		}
		// Sleeps in the system, as the others do.
		pause := syscall.Timespec{Nsec: 2_000_000}
		must(syscall.Nanosleep(&pause, nil))
		runtime.Gosched()
		start := time.Now()
		wake <- 1
		for time.Since(start) < 50*time.Millisecond {
		}
		delays = append(delays, (<-ran).Sub(start))
	}
	return delays
}

func blocked() []time.Duration {
	results, blocks := make(chan []time.Duration), 0
	for number := range 100 {
		go func() {
			var own []time.Duration
			for range 20 {
				start := time.Now()
				time.Sleep(time.Millisecond)
				own = append(own, time.Since(start)-time.Millisecond)
				if number == 0 {
					pause := syscall.Timespec{Nsec: 10_000_000}
					must(syscall.Nanosleep(&pause, nil))
					blocks++
				}
			}
			results <- own
		}()
	}
	var delays []time.Duration
	for range 100 {
		delays = append(delays, <-results...)
	}
	check(blocks == 20, "it has blocked")
	return delays
}

func resident() float64 {
	text, err := os.ReadFile("/proc/self/statm")
	must(err)
	pages, err := strconv.ParseFloat(strings.Fields(string(text))[1], 64)
	must(err)
	return pages * float64(os.Getpagesize())
}

func idle() float64 {
	const tasks = 200_000
	wait := make(chan struct{})
	runtime.GC()
	before := resident()
	for range tasks {
		go func() { <-wait }()
	}
	time.Sleep(300 * time.Millisecond)
	return (resident() - before) / tasks
}

func echo(connections int) int {
	const size, clientThreads = 100, 2
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(err)
	go func() {
		for {
			stream, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				buffer := make([]byte, size)
				for {
					if _, err := io.ReadFull(stream, buffer); err != nil {
						return
					}
					_, err := stream.Write(buffer)
					must(err)
				}
			}()
		}
	}()
	rounds := 20_000 / connections
	var clients sync.WaitGroup
	for range clientThreads {
		clients.Go(func() {
			var streams []net.Conn
			for range connections / clientThreads {
				stream, err := net.Dial("tcp", listener.Addr().String())
				must(err)
				streams = append(streams, stream)
			}
			back := make([]byte, size)
			for round := range rounds {
				sent := bytes.Repeat([]byte{byte(round)}, size)
				for _, stream := range streams {
					_, err := stream.Write(sent)
					must(err)
				}
				for _, stream := range streams {
					_, err := io.ReadFull(stream, back)
					must(err)
					check(bytes.Equal(sent, back), "it comes back as it was sent")
				}
			}
			for _, stream := range streams {
				must(stream.Close())
			}
		})
	}
	clients.Wait()
	must(listener.Close())
	return rounds * (connections / clientThreads) * clientThreads
}

func contexts(what string) int {
	root, cancel := context.WithCancel(context.Background())
	defer cancel()
	switch what {
	case "children":
		for range messages {
			_, cancel := context.WithCancel(root)
			cancel()
		}
		return messages
	case "looks":
		child, drop := context.WithCancel(root)
		defer drop()
		cancel()
		var all sync.WaitGroup
		for range 2 {
			all.Go(func() {
				for range messages * 10 {
					check(child.Err() != nil, "it is cancelled")
				}
			})
		}
		all.Wait()
		return messages * 20
	case "wide", "deep":
		for range 20 {
			top, cancel := context.WithCancel(context.Background())
			above, children := top, make([]context.Context, 1000)
			for at := range children {
				// The cancelling of the top one frees it.
				children[at], _ = context.WithCancel(above)
				if what == "deep" {
					above = children[at]
				}
			}
			cancel()
			for _, child := range children {
				check(child.Err() != nil, "it is cancelled")
			}
		}
		return 20_000
	}
	panic("there is no " + what)
}

func passes(limit time.Duration, pass func() int) (int, float64, float64) {
	pass()
	start, used, ops := time.Now(), cpuSeconds(), 0
	for ops == 0 || time.Since(start) < limit {
		ops += pass()
	}
	return ops, time.Since(start).Seconds(), cpuSeconds() - used
}

func delays(all []time.Duration) string {
	sort.Slice(all, func(i, j int) bool { return all[i] < all[j] })
	return fmt.Sprintf(`,"p99_ms":%f`, float64(all[(len(all)-1)*99/100].Nanoseconds())/1e6)
}

func cpuSeconds() float64 {
	var usage syscall.Rusage
	must(syscall.Getrusage(syscall.RUSAGE_SELF, &usage))
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano()).Seconds()
}

func main() {
	if len(os.Args) != 4 {
		fmt.Fprintln(os.Stderr, "usage: kit TASK WORKERS SECONDS")
		os.Exit(2)
	}
	parts := strings.Split(os.Args[1], ":")
	workers, err := strconv.Atoi(os.Args[2])
	must(err)
	seconds, err := strconv.ParseFloat(os.Args[3], 64)
	must(err)
	runtime.GOMAXPROCS(workers)
	number := func(at int) int {
		value, err := strconv.Atoi(parts[at])
		must(err)
		return value
	}
	limit := time.Duration(seconds * 1e9)
	var pass func() int
	ops, took, used, more := 0, 0.0, 0.0, ""
	switch parts[0] {
	case "flow":
		pass = func() int { return flow(number(1), number(2), number(3)) }
	case "sized":
		if number(1) == 64 {
			pass = func() int { return sized[[8]uint64](number(2)) }
		} else {
			pass = func() int { return sized[[64]uint64](number(2)) }
		}
	case "select":
		pass = func() int { return selects(number(1)) }
	case "select-set":
		pass = func() int { return selectSet(number(1)) }
	case "select-context":
		pass = selectContext
	case "select-fair":
		var counts [4]float64
		ops, took, used = passes(limit, func() int { return selectFair(number(1), &counts) })
		more = uneven(number(1), counts)
	case "select-rare":
		var longest int
		ops, longest = selectRare()
		more = fmt.Sprintf(`,"longest":%d`, longest)
	case "storm-timed":
		var lost int
		ops, took, used = passes(limit, func() int { return stormTimed(number(1), &lost) })
		more = fmt.Sprintf(`,"lost":%d`, lost)
	case "chain":
		pass = chain
	case "timeout":
		pass = timeout
	case "ring":
		pass = ring
	case "ping-pong":
		pass = pingPong
	case "spawn-join":
		pass = spawnJoin
	case "fan-out":
		pass = fanOut
	case "yields":
		pass = yields
	case "echo":
		pass = func() int { return echo(number(1)) }
	case "context":
		pass = func() int { return contexts(parts[1]) }
	case "hog":
		ops, more = 100, delays(hog())
	case "blocked":
		ops, more = 2000, delays(blocked())
	case "idle":
		ops, more = 200_000, fmt.Sprintf(`,"bytes":%f`, idle())
	default:
		panic("there is no " + parts[0])
	}
	if pass != nil {
		ops, took, used = passes(limit, pass)
	}
	fmt.Printf("{\"ops\":%d,\"seconds\":%f,\"cpu_seconds\":%f%s}\n", ops, took, used, more)
}
