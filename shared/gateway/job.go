package gateway

import (
	"context"
	"encoding/json"

	"github.com/aws/aws-lambda-go/lambda"
)

// Job is work that a schedule or an operator asks for. What it is asked is the payload, as
// JSON; what it returns is shown to the operator.
type Job func(ctx context.Context, asked json.RawMessage) (reply any, err error)

// Scheduled serves a schedule, or `aws lambda invoke`, by a job.
func Scheduled(job Job) lambda.Handler { return jobHandler{job} }

type jobHandler struct{ job Job }

// Invoke does the job once.
func (h jobHandler) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	reply, err := h.job(ctx, payload)
	if err != nil {
		return nil, err
	}
	return encode(reply)
}
