package cli

import (
	"fmt"
	"reflect"
	"strconv"
	"time"

	"github.com/alecthomas/kong"
)

// decodeDuration reads the value of a flag that is a duration, such as 90s, 10m or 1h30m. Days are for ages of images: what
// a run waits for takes minutes.
func decodeDuration(ctx *kong.DecodeContext, target reflect.Value) error {
	var text string
	if err := ctx.Scan.PopValueInto("duration", &text); err != nil {
		return err
	}
	if _, err := strconv.Atoi(text); err == nil {
		return fmt.Errorf("%q has no unit: add s, m or h, as in %sm for minutes", text, text)
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		return fmt.Errorf("%q is not a duration: a number with the unit s, m or h, as in 90s, 10m or 1h30m", text)
	}
	target.SetInt(int64(d))
	return nil
}
