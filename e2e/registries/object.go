package registries

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"time"

	"github.com/distribution/distribution/v3/configuration"
	"github.com/distribution/distribution/v3/registry/storage/driver"
	storagemiddleware "github.com/distribution/distribution/v3/registry/storage/driver/middleware"
	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"
)

// Latency is how long each operation of a storage takes longer than it would. It may change while the registry runs, so that
// filling one does not take hours.
type Latency struct{ nanoseconds atomic.Int64 }

// Set changes it.
func (l *Latency) Set(d time.Duration) { l.nanoseconds.Store(int64(d)) }

func (l *Latency) wait(ctx context.Context) {
	d := time.Duration(l.nanoseconds.Load())
	if d == 0 {
		return
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// slowStorage is the name of the middleware that waits in distribution's configuration.
const slowStorage = "regsweep-latency"

func init() {
	err := storagemiddleware.Register(slowStorage, func(_ context.Context, d driver.StorageDriver, options map[string]any) (driver.StorageDriver, error) {
		latency, ok := options["latency"].(*Latency)
		if !ok {
			return nil, errors.New(slowStorage + " needs a latency")
		}
		return slow{d, latency}, nil
	})
	if err != nil {
		panic(err)
	}
}

// Distribution3OnObjects runs distribution 3.1.2 in this process on a storage in memory of which each operation takes the
// latency of [Server.Latency], as those of an object storage do.
func Distribution3OnObjects(_ string, o Options) (*Server, error) {
	s := &Server{Latency: &Latency{}}
	conf, err := s.configure(o)
	if err != nil {
		return nil, s.abandon(err)
	}
	conf.Middleware = map[string][]configuration.Middleware{
		"storage": {{Name: slowStorage, Options: configuration.Parameters{"latency": s.Latency}}},
	}
	return s.serve(conf)
}

// slow is a storage that waits before each operation.
type slow struct {
	driver.StorageDriver
	latency *Latency
}

func (s slow) GetContent(ctx context.Context, path string) ([]byte, error) {
	s.latency.wait(ctx)
	return s.StorageDriver.GetContent(ctx, path)
}

func (s slow) PutContent(ctx context.Context, path string, content []byte) error {
	s.latency.wait(ctx)
	return s.StorageDriver.PutContent(ctx, path, content)
}

func (s slow) Reader(ctx context.Context, path string, offset int64) (io.ReadCloser, error) {
	s.latency.wait(ctx)
	return s.StorageDriver.Reader(ctx, path, offset)
}

func (s slow) Writer(ctx context.Context, path string, more bool) (driver.FileWriter, error) {
	s.latency.wait(ctx)
	return s.StorageDriver.Writer(ctx, path, more)
}

func (s slow) Stat(ctx context.Context, path string) (driver.FileInfo, error) {
	s.latency.wait(ctx)
	return s.StorageDriver.Stat(ctx, path)
}

func (s slow) List(ctx context.Context, path string) ([]string, error) {
	s.latency.wait(ctx)
	return s.StorageDriver.List(ctx, path)
}

func (s slow) Move(ctx context.Context, from, to string) error {
	s.latency.wait(ctx)
	return s.StorageDriver.Move(ctx, from, to)
}

func (s slow) Delete(ctx context.Context, path string) error {
	s.latency.wait(ctx)
	return s.StorageDriver.Delete(ctx, path)
}

func (s slow) Walk(ctx context.Context, path string, f driver.WalkFn, options ...func(*driver.WalkOptions)) error {
	return driver.WalkFallback(ctx, s, path, f, options...)
}

// bucket is where registries keep their objects.
const bucket = "registry"

// DockerRegistry2OnObjects runs Debian's docker-registry on an S3 server of this process, of which each request takes the
// latency of [Server.Latency].
func DockerRegistry2OnObjects(_ string, o Options) (*Server, error) {
	binary, err := dockerRegistry()
	if err != nil {
		return nil, err
	}
	return onFreePort("", func(s *Server) error {
		s.Latency = &Latency{}
		store := wholePrefixes{s3mem.New()}
		if err := store.CreateBucket(bucket); err != nil {
			return err
		}
		objects := gofakes3.New(store).Server()
		front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			s.Latency.wait(r.Context())
			objects.ServeHTTP(w, r)
		}))
		s.onClose(func() error { front.Close(); return nil })
		s.storage = fmt.Sprintf(`s3: {region: us-east-1, regionendpoint: %q, bucket: %q, accesskey: any, secretkey: any, secure: false, v4auth: true, rootdirectory: /}
  redirect: {disable: true}`, front.URL, bucket)
		return s.distribution(binary, o, "")
	})
}

// wholePrefixes is a storage of objects whose pages end after all keys with a common prefix, as those of S3 do
// (https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html, CommonPrefixes). gofakes3 goes on with the second
// such key, and lists the prefix again: of 1000 tags, a registry then lists the last one of the first page twice.
type wholePrefixes struct{ *s3mem.Backend }

// ListBucket lists a page.
func (b wholePrefixes) ListBucket(name string, prefix *gofakes3.Prefix, page gofakes3.ListBucketPage) (*gofakes3.ObjectList, error) {
	list, err := b.Backend.ListBucket(name, prefix, page)
	if err != nil || !list.IsTruncated {
		return list, err
	}
	if n := len(list.CommonPrefixes); n > 0 && strings.HasPrefix(list.NextMarker, list.CommonPrefixes[n-1].Prefix) {
		list.NextMarker = list.CommonPrefixes[n-1].Prefix + "\uffff" // after every key that a registry makes
	}
	return list, nil
}
