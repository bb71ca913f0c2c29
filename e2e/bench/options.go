package main

import (
	"bytes"
	"cmp"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// errUsage is wrapped for a command line that cannot be read.
var errUsage = errors.New("usage")

// options are what the command line asks for.
type options struct {
	sizes
	kinds         []kind
	delays        []time.Duration
	repeat        int
	threshold     bool
	thresholdOnly bool
	job           float64       // how much of the script's job; 0 leaves it out
	objects       []int         // numbers of images on object storage
	operation     time.Duration // what each of its operations takes; 0 leaves it out
	large         int           // tags of the largest repository; 0 leaves it out
	many          int           // repositories; 0 leaves them out
	manifests     int           // in a log that is ranked; 0 leaves it out
	listing       int           // tags of each repository that is listed; 0 leaves it out
	others        int           // images on registries of other kinds; 0 leaves them out
	svg           string        // file for the plot; "" draws none
	out, write    string        // files for the tables beside standard output
}

// quickly is what --quick changes, for flags that are not given.
var quickly = map[string]string{"n": "100,500", "budget": "10s", "repeat": "1", "job": "0", "large": "0", "many": "0", "manifests": "0", "listing": "100", "others": "200", "object-n": "20,50"}

// parse reads the command line.
func parse(args []string, stderr io.Writer) (o options, err error) {
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.SetOutput(stderr)
	quick := flags.Bool("quick", false, "small repositories only: --n 100,500 --budget 10s --repeat 1 --job 0 --large 0 --many 0 --manifests 0 --listing 100 --others 200 --object-n 20,50")
	registry := flags.String("registry", "all", "2.8.2, 3.1.2 or all")
	images := flags.String("n", "100,500,1000,2000,5000", "numbers of images")
	delays := flags.String("delay", "0,20ms", "round trips to add")
	flags.DurationVar(&o.budget, "budget", 20*time.Second, "a contestant that would take longer by its growth so far is not run; on object storage it has four times as long")
	flags.IntVar(&o.repeat, "repeat", 3, "how often what takes less than three seconds is measured; the median counts")
	flags.BoolVar(&o.thresholdOnly, "threshold", false, "measure only from which size on tags-first gains")
	flags.Float64Var(&o.job, "job", 1, "how much of the script's job of nine repositories: 1 is all of its 6516 images; 0 leaves it out")
	objects := flags.String("object-n", "50,100,200,1000,5000", "numbers of images on object storage")
	flags.DurationVar(&o.operation, "object", 10*time.Millisecond, "what each operation of the object storage takes; 0 leaves it out")
	flags.IntVar(&o.large, "large", 100000, "tags of one large repository; 0 leaves it out")
	flags.IntVar(&o.many, "many", 5000, "repositories that are pruned in one call; 0 leaves them out")
	flags.IntVar(&o.manifests, "manifests", 1000000, "manifests in a log that is ranked; 0 leaves it out")
	flags.IntVar(&o.listing, "listing", 1000, "tags that are listed on the fakes of the services that have a list of their own; 0 leaves it out")
	flags.IntVar(&o.others, "others", 1000, "images on registries that read no tags for a deletion; 0 leaves them out")
	flags.StringVar(&o.svg, "svg", "", "`file` for the plot")
	flags.StringVar(&o.out, "out", "", "`file` for the tables")
	flags.StringVar(&o.write, "write", "", "Markdown `file` whose part between the markers becomes the tables")
	if err := flags.Parse(args); err != nil {
		return o, errors.Join(errUsage, err)
	}
	if flags.NArg() > 0 {
		return o, fmt.Errorf("%w: unexpected argument %q", errUsage, flags.Arg(0))
	}
	if *quick {
		given := map[string]bool{}
		flags.Visit(func(f *flag.Flag) { given[f.Name] = true })
		for name, value := range quickly {
			if !given[name] {
				err = errors.Join(err, flags.Set(name, value))
			}
		}
	}
	o.threshold = o.thresholdOnly || !*quick
	var bad [4]error
	o.kinds, bad[0] = choose(*registry)
	o.images, bad[1] = each(*images, strconv.Atoi)
	o.delays, bad[2] = each(*delays, time.ParseDuration)
	o.objects, bad[3] = each(*objects, strconv.Atoi)
	if err := errors.Join(append(bad[:], err)...); err != nil {
		return o, fmt.Errorf("%w: %w", errUsage, err)
	}
	slices.Sort(o.images)
	slices.Sort(o.objects)
	if min(o.images[0], o.objects[0]) <= keep || o.operation < 0 || slices.Min(o.delays) < 0 || o.budget <= 0 || o.repeat < 1 || o.job < 0 || min(o.large, o.many, o.manifests, o.listing, o.others) < 0 {
		return o, fmt.Errorf("%w: numbers of images are greater than %d, --budget and --repeat than 0, and nothing is negative", errUsage, keep)
	}
	return o, nil
}

// each reads a list with commas.
func each[T cmp.Ordered](list string, read func(string) (T, error)) (out []T, err error) {
	for text := range strings.SplitSeq(list, ",") {
		v, err := read(strings.TrimSpace(text))
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, nil
}

func choose(name string) ([]kind, error) {
	if name == "all" {
		return distributions, nil
	}
	var names []string
	for _, k := range distributions {
		if k.name == name {
			return []kind{k}, nil
		}
		names = append(names, k.name)
	}
	return nil, fmt.Errorf("--registry: %q is not one of %s, all", name, strings.Join(names, ", "))
}

// plotName is how the tables name the plot: from the folder of the page that they are written to.
func (o options) plotName() string {
	page := cmp.Or(o.write, o.out)
	if name, err := filepath.Rel(filepath.Dir(page), o.svg); page != "" && err == nil {
		return filepath.ToSlash(name)
	}
	return filepath.ToSlash(o.svg)
}

// The marks of the parts of a page that a run writes.
const (
	answerMark = "answer"
	tablesMark = "bench"
)

// markers are the lines between which a part of a page stands.
func markers(mark string) (begin, end string) {
	return "<!-- " + mark + " -->\n", "<!-- /" + mark + " -->\n"
}

// replaceBlock puts text between the markers of a file.
func replaceBlock(file, mark string, text []byte) error {
	begin, end := markers(mark)
	page, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	before, rest, ok := bytes.Cut(page, []byte(begin))
	_, after, ended := bytes.Cut(rest, []byte(end))
	if !ok || !ended {
		return fmt.Errorf("write %s: its lines %q and %q are missing", file, strings.TrimSpace(begin), strings.TrimSpace(end))
	}
	return os.WriteFile(file, slices.Concat(before, []byte(begin), []byte("\n"), text, []byte("\n"), []byte(end), after), 0o644)
}
