// Package zkotel tells OpenTelemetry what a client of package zk does.
//
//	hook, err := zkotel.Hook(otel.GetTracerProvider(), otel.GetMeterProvider())
//	conn, _, err := zk.Connect(servers, timeout, zk.WithRequestHook(hook))
//	...
//	data, _, err := conn.WithContext(ctx).Get("/app/port") // a child of the span of ctx
//
// Each call is a measurement of the histogram db.client.operation.duration, in seconds, and a span of
// kind client if the span of its context is recorded. Both have the attributes db.system.name
// ("zookeeper"), db.operation.name (ZooKeeper's name of the operation, as getData) and, of calls that
// fail, error.type ([zk.RequestInfo.Result]), as the semantic conventions for database clients have
// them.
package zkotel

import (
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/trace"

	"github.com/zkfs/zkfs/zk"
)

const scope = "github.com/zkfs/zkfs/contrib/zkotel"

// Hook returns what [zk.WithRequestHook] takes. The error is that of the meter.
func Hook(tracers trace.TracerProvider, meters metric.MeterProvider) (func(zk.RequestInfo), error) {
	tracer := tracers.Tracer(scope)
	duration, err := meters.Meter(scope).Float64Histogram("db.client.operation.duration",
		metric.WithUnit("s"),
		metric.WithDescription("Duration of database client operations."),
		metric.WithExplicitBucketBoundaries(0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10))
	if err != nil {
		return nil, err
	}
	return func(r zk.RequestInfo) {
		attributes := []attribute.KeyValue{
			attribute.String("db.system.name", "zookeeper"),
			attribute.String("db.operation.name", r.Op),
		}
		if r.Err != nil {
			attributes = append(attributes, attribute.String("error.type", r.Result()))
		}
		duration.Record(r.Context, r.Duration.Seconds(), metric.WithAttributes(attributes...))
		if !trace.SpanFromContext(r.Context).IsRecording() {
			return // a call of no request that is traced
		}
		end := time.Now()
		_, span := tracer.Start(r.Context, r.Op, trace.WithSpanKind(trace.SpanKindClient),
			trace.WithTimestamp(end.Add(-r.Duration)), trace.WithAttributes(attributes...))
		if r.Err != nil {
			span.SetStatus(codes.Error, r.Err.Error())
		}
		span.End(trace.WithTimestamp(end))
	}, nil
}
