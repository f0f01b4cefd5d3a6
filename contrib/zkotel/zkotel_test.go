package zkotel_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"github.com/zkfs/zkfs/contrib/zkotel"
	"github.com/zkfs/zkfs/zk"
	"github.com/zkfs/zkfs/zk/zktest"
)

type silence struct{}

func (silence) Printf(string, ...any) {}

func TestHook(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := zktest.NewServer()
		defer server.Close()
		spans := tracetest.NewSpanRecorder()
		tracers := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(spans))
		reader := sdkmetric.NewManualReader()
		hook, err := zkotel.Hook(tracers, sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader)))
		if err != nil {
			t.Fatal(err)
		}
		c, _, err := zk.Connect([]string{"zk"}, 10*time.Second, zk.WithDialer(server.Dialer()),
			zk.WithLogger(silence{}), zk.WithRequestHook(hook))
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if _, err := c.Create("/a", nil, 0, zk.WorldACL(zk.PermAll)); err != nil { // of no span
			t.Fatal(err)
		}
		ctx, request := tracers.Tracer("test").Start(context.Background(), "request")
		if _, _, err := c.WithContext(ctx).Get("/none"); !errors.Is(err, zk.ErrNoNode) {
			t.Fatal(err)
		}
		request.End()

		ended := spans.Ended()
		if len(ended) != 2 {
			t.Fatalf("%d spans", len(ended))
		}
		span := ended[0]
		if span.Name() != "getData" || span.SpanKind() != trace.SpanKindClient ||
			span.Parent().SpanID() != request.SpanContext().SpanID() || span.Status().Code != codes.Error {
			t.Errorf("span %s of kind %v below %v, %v", span.Name(), span.SpanKind(), span.Parent(), span.Status())
		}
		set := attribute.NewSet(span.Attributes()...)
		for key, want := range map[attribute.Key]string{
			"db.system.name": "zookeeper", "db.operation.name": "getData", "error.type": "NoNode",
		} {
			if got, _ := set.Value(key); got.AsString() != want {
				t.Errorf("%s of the span: %q, want %q", key, got.AsString(), want)
			}
		}
		if got := measured(t, reader); got["create "] != 1 || got["getData NoNode"] != 1 || len(got) != 2 {
			t.Errorf("measured: %v", got)
		}
	})
}

// measured returns the number of calls, by operation and error.
func measured(t *testing.T, reader *sdkmetric.ManualReader) map[string]uint64 {
	t.Helper()
	var all metricdata.ResourceMetrics
	if err := reader.Collect(t.Context(), &all); err != nil {
		t.Fatal(err)
	}
	found := map[string]uint64{}
	for _, scope := range all.ScopeMetrics {
		for _, m := range scope.Metrics {
			if m.Name != "db.client.operation.duration" || m.Unit != "s" {
				t.Errorf("metric %s in %s", m.Name, m.Unit)
			}
			for _, p := range m.Data.(metricdata.Histogram[float64]).DataPoints {
				op, _ := p.Attributes.Value("db.operation.name")
				failed, _ := p.Attributes.Value("error.type")
				found[op.AsString()+" "+failed.AsString()] += p.Count
			}
		}
	}
	return found
}
