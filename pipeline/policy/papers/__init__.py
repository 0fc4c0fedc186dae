"""What an organisation must be able to hand out, made from the policy that the machine runs."""
