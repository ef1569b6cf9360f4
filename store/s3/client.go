package s3

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// defaultRegion is the region if nothing names one; services other than Amazon's do not care.
const defaultRegion = "us-east-1"

// service is a connection to an S3 service.
type service struct {
	*s3.Client
	presign   *s3.PresignClient
	transport *http.Transport
	cfg       Client
}

func newService(ctx context.Context, c Client) (*service, error) {
	transport, err := c.transport()
	if err != nil {
		return nil, err
	}
	options := []func(*config.LoadOptions) error{
		config.WithRetryer(func() aws.Retryer {
			return retry.NewStandard(func(o *retry.StandardOptions) { o.MaxAttempts = c.Retries })
		}),
		config.WithRequestChecksumCalculation(aws.RequestChecksumCalculationWhenRequired),
		config.WithResponseChecksumValidation(aws.ResponseChecksumValidationWhenRequired),
	}
	if c.RequestChecksums {
		options = append(options, config.WithRequestChecksumCalculation(aws.RequestChecksumCalculationWhenSupported))
	}
	if c.ResponseChecksums {
		options = append(options, config.WithResponseChecksumValidation(aws.ResponseChecksumValidationWhenSupported))
	}
	if c.Region != "" {
		options = append(options, config.WithRegion(c.Region))
	}
	switch {
	case c.AccessKeyID != "":
		given := credentials.NewStaticCredentialsProvider(c.AccessKeyID, c.SecretAccessKey, c.SessionToken)
		options = append(options, config.WithCredentialsProvider(given))
	case c.Profile != "":
		options = append(options, config.WithSharedConfigProfile(c.Profile))
	}
	loaded, err := config.LoadDefaultConfig(ctx, options...)
	if err != nil {
		return nil, fmt.Errorf("the credentials for S3 cannot be had: %w", err)
	}
	if loaded.Region == "" {
		loaded.Region = defaultRegion
	}
	endpoint, err := c.endpoint()
	if err != nil {
		return nil, err
	}
	client := s3.NewFromConfig(loaded, func(o *s3.Options) {
		o.UsePathStyle = c.PathStyle
		o.BaseEndpoint = endpoint
		o.HTTPClient = &http.Client{Transport: transport}
		o.EndpointOptions.DisableHTTPS = c.Plain && endpoint == nil
	})
	return &service{Client: client, presign: s3.NewPresignClient(client), transport: transport, cfg: c}, nil
}

// endpoint returns the URL of the service, nil for Amazon's.
func (c Client) endpoint() (*string, error) {
	if c.Endpoint == "" {
		return nil, nil
	}
	text := c.Endpoint
	if !strings.Contains(text, "://") {
		scheme := "https"
		if c.Plain {
			scheme = "http"
		}
		text = scheme + "://" + text
	}
	parsed, err := url.Parse(text)
	if err != nil || parsed.Host == "" || parsed.Scheme != "http" && parsed.Scheme != "https" {
		return nil, fmt.Errorf("%q is not the URL of an S3 service", c.Endpoint)
	}
	return &text, nil
}

func (c Client) transport() (*http.Transport, error) {
	trust := &tls.Config{MinVersion: tls.VersionTLS12, InsecureSkipVerify: c.Insecure} // #nosec: asked for
	if file := orDefault(c.CertificateFile, os.Getenv("AWS_CA_BUNDLE")); file != "" {
		pem, err := os.ReadFile(file)
		if err != nil {
			return nil, fmt.Errorf("the certificates for S3 cannot be read: %w", err)
		}
		trust.RootCAs = x509.NewCertPool()
		if !trust.RootCAs.AppendCertsFromPEM(pem) {
			return nil, errors.New("the file of certificates for S3 has none")
		}
	}
	return &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		DialContext:           (&net.Dialer{Timeout: c.ConnectTimeout}).DialContext,
		TLSClientConfig:       trust,
		TLSHandshakeTimeout:   c.ConnectTimeout,
		MaxIdleConns:          c.MaxConnections,
		MaxIdleConnsPerHost:   c.MaxConnections,
		MaxConnsPerHost:       c.MaxConnections,
		IdleConnTimeout:       c.ReadTimeout,
		ExpectContinueTimeout: c.ConnectTimeout,
		ForceAttemptHTTP2:     true,
		DisableCompression:    true,
	}, nil
}
