// Command contestant does a task of package bare, which comes as JSON on its standard input; a task without a contestant
// is to ask for prices, which go as JSON to standard output. It is a process of its own,
// as regsweep is: a client that shares its process with the registry is woken up for less.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/regsweep/regsweep/e2e/bench/bare"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	var t bare.Task
	err := json.NewDecoder(os.Stdin).Decode(&t)
	switch {
	case err != nil:
	case t.Contestant == "":
		var prices []bare.Price
		if prices, err = bare.Prices(ctx, t); err == nil {
			err = json.NewEncoder(os.Stdout).Encode(prices)
		}
	default:
		err = bare.Run(ctx, t)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "contestant:", err)
		os.Exit(1) // the signals' handler goes with the process
	}
}
