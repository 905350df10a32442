package formats_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/slogship/slogship"
	"github.com/slogship/slogship/formats"
)

// Labels say where records come from; attributes are structured metadata.
func ExampleLoki() {
	loki := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		fmt.Println(r.Header.Get("X-Scope-OrgID"))
		fmt.Println(string(body))
		w.WriteHeader(http.StatusNoContent)
	}))
	defer loki.Close()

	h, err := slogship.New(loki.URL+"/loki/api/v1/push", &slogship.Options{
		Format: formats.Loki(formats.LokiOptions{
			Labels: map[string]string{"service_name": "shop", "env": "prod"},
			Tenant: "team-a",
			ID:     "-", // another one in each run of this example
		}),
		Compression: slogship.None, // to be read here
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	// As slog.New(h).Info("order placed", ...) does, but for the time.
	r := slog.NewRecord(time.Date(2026, 3, 1, 12, 30, 15, 123456789, time.UTC), slog.LevelInfo, "order placed", 0)
	r.Add("order.id", 17, slog.Group("user", "name", "ada"))
	_ = h.Handle(context.Background(), r) // always nil
	if err := h.Close(); err != nil {
		fmt.Println(err)
	}
	// Output:
	// team-a
	// {"streams":[{"stream":{"env":"prod","service_name":"shop"},"values":[["1772368215123456789","order placed",{"detected_level":"info","order_id":"17","user_name":"ada"}]]}]}
}
